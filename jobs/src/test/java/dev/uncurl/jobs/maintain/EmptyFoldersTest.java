package dev.uncurl.jobs.maintain;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmptyFoldersTest {
    private static final Instant BEFORE = Instant.parse("2026-11-20T00:00:00Z");

    @TempDir
    private Path table;

    private int remove() {
        return EmptyFolders.remove(new org.apache.hadoop.fs.Path(table.toUri()), new Configuration(), BEFORE);
    }

    private TreeSet<Path> folders() throws IOException {
        try (Stream<Path> all = Files.walk(table)) {
            return new TreeSet<>(all.filter(Files::isDirectory).toList());
        }
    }

    private static boolean isOld(Path folder) throws IOException {
        return Files.getLastModifiedTime(folder).toInstant().isBefore(BEFORE);
    }

    /** A folder goes if it and all below it are old folders; those directly in the table stay. */
    private boolean goes(Path folder) throws IOException {
        if (table.relativize(folder).getNameCount() < 2 || folder.equals(table)) {
            return false;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path one : all.toList()) {
                if (!Files.isDirectory(one) || !isOld(one)) {
                    return false;
                }
            }
            return true;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void whatIsEmptyAndOldGoesAndNothingElse(long seed) throws IOException {
        var random = new Random(seed);
        for (int i = 0; i < 60; i++) {
            Path folder = table;
            for (int depth = random.nextInt(5); depth >= 0; depth--) {
                folder = folder.resolve(random.nextInt(3) + "%2B +");
            }
            Files.createDirectories(folder);
            if (random.nextInt(6) == 0) {
                Files.writeString(folder.resolve("file"), "rows");
            }
        }
        for (Path folder : folders()) {
            int hours = random.nextInt(5) == 0 ? 1 : -1;
            Files.setLastModifiedTime(folder, FileTime.from(BEFORE.plusSeconds(hours * 3600L)));
        }
        TreeSet<Path> before = folders();
        var stay = new TreeSet<Path>();
        for (Path folder : before) {
            if (!goes(folder)) {
                stay.add(folder);
            }
        }
        long files = Files.walk(table).filter(Files::isRegularFile).count();
        assertThat(remove()).isEqualTo(before.size() - stay.size()).isPositive();
        assertThat(folders()).isEqualTo(stay);
        assertThat(Files.walk(table).filter(Files::isRegularFile).count()).isEqualTo(files);
        assertThat(remove()).isZero();
    }

    /** Such as the sums that Hadoop writes beside files of the local disk, which its listing leaves out. */
    @Test
    void aFolderWithFilesThatHadoopHidesStays() throws IOException {
        Path folder = Files.createDirectories(table.resolve("data/0101"));
        Path hidden = Files.writeString(folder.resolve(".a.parquet.crc"), "sum");
        Files.setLastModifiedTime(folder, FileTime.from(BEFORE.minusSeconds(60)));
        assertThat(remove()).isZero();
        assertThat(hidden).exists();
    }
}
