package dev.uncurl.model.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.config.Settings;
import dev.uncurl.error.UserError;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class MoeLayerTest {
    private static final ModelConfig PLAIN =
            new ModelConfig(4, 8, 2, 16, 300, 16, new MoeConfig(4, 2, 2, true, 0.01, 0.0, 1.25));

    private static ModelConfig with(MoeLayer first, MoeLayer second) {
        return PLAIN.withMoeLayers(new TreeMap<>(Map.of(1, first, 3, second)));
    }

    @Test
    void aMapLeadsFromRouterRowsToExperts() {
        var mapped = new MoeLayer(2, List.of(1, 0, 1));
        assertThat(mapped.routerRows()).isEqualTo(3);
        assertThat(mapped.expertOfRow()).containsExactly(1, 0, 1);
        var plain = new MoeLayer(3);
        assertThat(plain.routerRows()).isEqualTo(3);
        assertThat(plain.expertOfRow()).containsExactly(0, 1, 2);
        assertThat(new MoeLayer(3, List.of(0, 1, 2))).isEqualTo(plain);
        assertThat(new MoeLayer(3, List.of(0, 2, 1)).isMapped()).isTrue();
    }

    @Test
    void aMaskedRowLeadsNowhereAndIsNoChoice() {
        var masked = new MoeLayer(2, List.of(0, -1, 1, -1, 0));
        assertThat(masked.isMasked()).isTrue();
        assertThat(masked.routerRows()).isEqualTo(5);
        assertThat(masked.liveRows()).isEqualTo(3);
        assertThat(masked.expertOfRow()).containsExactly(0, -1, 1, -1, 0);
        assertThat(new MoeLayer(2, List.of(0, 1, 1)).isMasked()).isFalse();
        assertThat(new MoeLayer(3).liveRows()).isEqualTo(3);
        var moe = with(masked, new MoeLayer(1, List.of(-1, -1, 0, -1))).moe();
        assertThat(moe.topK()).isEqualTo(2);
        assertThat(moe.choices(1)).isEqualTo(2);
        assertThat(moe.choices(3)).as("all that are left").isEqualTo(1);
        assertThat(moe.capacity(3, 12))
                .as("1.25 * 1 * 12 / 1, no more than tokens")
                .isEqualTo(12);
        assertThat(Settings.json(with(masked, new MoeLayer(3)))).contains("\"router-map\":[0,-1,1,-1,0]");
    }

    @Test
    void aZeroedRowLeadsNowhereAndIsAChoice() {
        var zeroed = new MoeLayer(1, List.of(-2, 0, -2));
        assertThat(zeroed.isZeroed()).isTrue();
        assertThat(zeroed.isMasked()).isFalse();
        assertThat(zeroed.routerRows()).isEqualTo(3);
        assertThat(zeroed.choosableRows()).isEqualTo(3);
        assertThat(zeroed.liveRows()).isEqualTo(1);
        assertThat(new MoeLayer(1, List.of(-1, 0, -1)).choosableRows()).isEqualTo(1);
        assertThat(with(zeroed, new MoeLayer(3)).moe().choices(1))
                .as("k, as before the experts were dropped")
                .isEqualTo(2);
        assertThatThrownBy(() -> new MoeLayer(1, List.of(-2, 0, -1)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not both");
    }

    @Test
    void aMapThatLeavesAnExpertOutOrLeadsNowhereIsRefused() {
        for (List<Integer> map : List.of(
                List.of(0, 2), List.of(0, 0), List.of(-3, 0, 1), List.of(0, 1, 2), List.of(0, -1), List.of(-1, -1))) {
            assertThatThrownBy(() -> new MoeLayer(2, map))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("router-map = " + map)
                    .hasMessageContaining("experts from 0 to 1");
        }
        assertThatThrownBy(() -> new MoeLayer(0)).isInstanceOf(UserError.class).hasMessageContaining("experts = 0");
    }

    /** The recorded settings of a uniform model are those of releases in which blocks could not differ. */
    @Test
    void theJsonOfAPlainModelDoesNotSayThatBlocksCouldDiffer() {
        assertThat(Settings.json(PLAIN))
                .isEqualTo("{\"layers\":4,\"width\":8,\"heads\":2,\"feed-forward\":16,\"vocabulary\":300,"
                        + "\"sequence-length\":16,\"moe\":{\"experts\":4,\"top-k\":2,\"every\":2,\"renormalize\":true,"
                        + "\"balance-loss\":0.01,\"z-loss\":0.0,\"capacity-factor\":1.25}}");
        assertThat(Settings.json(with(new MoeLayer(2, List.of(0, 1, 0)), new MoeLayer(3))))
                .contains("\"moe\":{\"experts\":3,\"top-k\":2,")
                .endsWith("\"capacity-factor\":1.25,\"by-layer\":{"
                        + "\"1\":{\"experts\":2,\"router-map\":[0,1,0]},\"3\":{\"experts\":3}}}}");
    }

    @Test
    void blocksThatAreAlikeAndUnmappedAreAPlainModel() {
        assertThat(with(new MoeLayer(3), new MoeLayer(3, List.of(0, 1, 2)))).isEqualTo(PLAIN.withExperts(3));
        assertThat(with(new MoeLayer(1), new MoeLayer(1))).isEqualTo(PLAIN.withExperts(1));
        assertThat(with(new MoeLayer(3), new MoeLayer(2)).withExperts(4)).isEqualTo(PLAIN);
        var alike = new TreeMap<>(Map.of(1, new MoeLayer(4), 3, new MoeLayer(4)));
        assertThatThrownBy(() ->
                        new ModelConfig(4, 8, 2, 16, 300, 16, new MoeConfig(4, 2, 2, true, 0.01, 0.0, 1.25, alike)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("alike and unmapped");
    }

    @Test
    void aBlockHasTheExpertsRowsAndChoicesOfItsOwn() {
        var moe = with(new MoeLayer(1, List.of(0, 0, 0)), new MoeLayer(1)).moe();
        assertThat(moe.experts()).isEqualTo(1);
        assertThat(moe.topK()).isEqualTo(2);
        assertThat(moe.choices(1)).isEqualTo(2);
        assertThat(moe.choices(3)).as("a block with fewer rows chooses all").isEqualTo(1);
        assertThat(moe.layer(1).routerRows()).isEqualTo(3);
        assertThatThrownBy(() -> moe.layer(2)).hasMessageContaining("Block 2").hasMessageContaining("[1, 3]");
        var uneven = with(new MoeLayer(3), new MoeLayer(2)).moe();
        assertThat(uneven.experts()).isEqualTo(3);
        assertThat(uneven.capacity(1, 12)).as("1.25 * 2 * 12 / 3").isEqualTo(10);
        assertThat(uneven.capacity(3, 12)).as("no more than tokens").isEqualTo(12);
    }

    @Test
    void blocksWithoutExpertsAndBlocksThatAreMissingAreRefused() {
        for (var layers : List.of(
                Map.of(1, new MoeLayer(2)),
                Map.of(0, new MoeLayer(2), 1, new MoeLayer(3), 3, new MoeLayer(2)),
                Map.of(1, new MoeLayer(2), 2, new MoeLayer(3)))) {
            assertThatThrownBy(() -> PLAIN.withMoeLayers(new TreeMap<>(layers)))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("moe.by-layer = ")
                    .hasMessageContaining("[1, 3]");
            int most =
                    layers.values().stream().mapToInt(MoeLayer::experts).max().getAsInt();
            var moe = new MoeConfig(most, 1, 2, true, 0.01, 0.0, 1.25, new TreeMap<>(layers));
            assertThatThrownBy(() -> new ModelConfig(4, 8, 2, 16, 300, 16, moe))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("[1, 3]");
        }
        assertThatThrownBy(() -> PLAIN.withExperts(0).withMoeLayers(new TreeMap<>(Map.of(1, new MoeLayer(2)))))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new MoeConfig(5, 1, 2, true, 0, 0, 0, new TreeMap<>(Map.of(1, new MoeLayer(2)))))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("moe.experts = 5");
    }
}
