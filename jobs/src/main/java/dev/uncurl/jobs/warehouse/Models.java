package dev.uncurl.jobs.warehouse;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.Unfinished;
import dev.uncurl.config.Settings;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.row.RegistryRow;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * Finished models: folders under models/ and their rows in models.registry. The row is written after the folder, and names it: a
 * model's folder is {@code models/<name>}, or on an object store {@code models/<name>.<token>}, one for each attempt to make it.
 */
public final class Models {
    private final Warehouse warehouse;

    public Models(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * Opens a registered model and checks that its manifest has the hash that is stored in models.registry.
     *
     * @throws UserError (input) when there is no such model, its folder is damaged, or the folder is not the one that was registered
     */
    public ModelFolder open(String modelId) {
        Optional<Registered> row = find(modelId);
        ModelFolder model = open(modelId, folder(modelId, row));
        String registered = row.map(Registered::manifestSha256)
                .orElseThrow(() -> UserError.input(
                        "Model " + modelId + " is not in models.registry, though there is a folder " + model.dir(),
                        "If the command that makes it was stopped, run it again: it registers a finished folder. A folder from"
                                + " elsewhere is no model of this warehouse: remove it."));
        if (!model.manifestSha256().equals(registered)) {
            throw swapped(modelId, model.dir(), model.manifestSha256(), registered);
        }
        return model;
    }

    /** SHA-256 of a model's manifest, as stored in models.registry; empty if the model is not registered. */
    public Optional<String> registered(String modelId) {
        return find(modelId).map(Registered::manifestSha256);
    }

    /** Columns of models.registry. */
    private record Registered(String path, String manifestSha256) {}

    private Optional<Registered> find(String modelId) {
        return Records.read(warehouse.rows(UncurlTable.REGISTRY, "model_id", modelId), Registered.class).stream()
                .findFirst();
    }

    /** The folder of a model: the one that its row names, else that of its name. It need not exist. */
    private Path folder(String modelId, Optional<Registered> row) {
        return row.map(registered -> warehouse.modelFolder(modelId, registered.path))
                .orElse(warehouse.modelFolder(modelId));
    }

    private static UserError swapped(String modelId, Path folder, String found, String registered) {
        return UserError.input(
                "The folder " + folder + " is not the model that was registered as " + modelId
                        + ": its manifest.json has SHA-256 " + found + ", by models.registry " + registered,
                "Put the folder of " + modelId + " back, or remove this one and run the command that makes " + modelId
                        + " again.");
    }

    /**
     * Checks a model whose stored results are shown again. A missing folder is accepted, since the results were computed
     * when it existed; a folder with another model is refused.
     *
     * @throws UserError (input) when the folder exists and is not the one that was registered
     */
    public void requireUnchanged(String modelId, String registered) {
        Path folder = folder(modelId, find(modelId));
        try {
            if (warehouse.files().exists(folder)) {
                ModelFolder model = open(modelId, folder);
                if (!model.manifestSha256().equals(registered)) {
                    throw swapped(modelId, model.dir(), model.manifestSha256(), registered);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("reading the folder of model " + modelId, e);
        }
    }

    private ModelFolder open(String modelId, Path folder) {
        try {
            if (!folders().contains(folder.getName())) {
                throw missing(modelId, folder, names());
            }
            return ModelFolder.open(warehouse.files(), folder);
        } catch (IOException e) {
            throw new UncheckedIOException("reading model folder " + folder, e);
        }
    }

    private UserError missing(String modelId, Path folder, Set<String> names) {
        List<String> registered = warehouse.table(UncurlTable.REGISTRY).select("model_id").collectAsList().stream()
                .map(row -> row.getString(0))
                .toList();
        if (registered.contains(modelId)) {
            return UserError.input(
                    "Model " + modelId + " is registered, but its folder " + folder + " is gone",
                    "Restore the folder from a copy of the warehouse, or run the command that made the model again.");
        }
        String known = registered.stream().filter(names::contains).sorted().collect(Collectors.joining(", "));
        return UserError.input(
                "There is no model " + modelId + " in " + folder.getParent(),
                known.isEmpty() ? "Make one with pretrain." : "Known models: " + known + ".");
    }

    /**
     * Returns whether a model with exactly these inputs exists already. The caller must have the lease of the name. What killed
     * runs left is removed. A folder without a row, left by a run that was killed between the two, gets its row; on an object
     * store it is removed. A row without a folder is deleted, so that the model can be made again.
     *
     * @throws UserError (conflict) when a model of that name was made from other inputs, (input) when the folder is not the
     *     one that was registered
     */
    public boolean isMade(String modelId, Map<String, String> inputs) {
        Optional<Registered> row = find(modelId);
        Path folder = folder(modelId, row);
        try {
            removeLeftovers(modelId, folder);
            if (!folders().contains(folder.getName())) {
                requireOtherThanCase(modelId);
                if (row.isPresent()) {
                    warehouse.replace(
                            UncurlTable.REGISTRY,
                            warehouse.table(UncurlTable.REGISTRY).limit(0),
                            "model_id",
                            modelId);
                }
                return false;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("looking for model folder " + folder, e);
        }
        ModelFolder model = open(modelId, folder);
        Map<String, String> made = model.manifest().lineage().inputs();
        if (!made.equals(new TreeMap<>(inputs))) {
            throw UserError.conflict(
                    "Model " + modelId + " exists and was made from other inputs:"
                            + InputDiff.differences(made, inputs),
                    "Choose another name, or delete " + folder + " to make it anew.");
        }
        row.map(Registered::manifestSha256)
                .filter(sha256 -> !sha256.equals(model.manifestSha256()))
                .ifPresent(sha256 -> {
                    throw swapped(modelId, folder, model.manifestSha256(), sha256);
                });
        register(modelId, model);
        System.out.println("Model " + modelId + " is there already, made from the same inputs: reused.");
        return true;
    }

    /** Removes what killed runs left of a model, and attempts in place that are not registered. */
    private void removeLeftovers(String modelId, Path folder) throws IOException {
        new Leftovers(warehouse).removeUnfinished(folder.getParent(), Pattern.compile(Pattern.quote(modelId)));
        for (String other : folders()) {
            if (Unfinished.isAttempt(other)
                    && Unfinished.name(other).equals(modelId)
                    && !other.equals(folder.getName())) {
                Unfinished.remove(warehouse.files(), new Path(folder.getParent(), other));
            }
        }
    }

    /** Names of the folders under models/, with the case in which they are stored. */
    private Set<String> folders() throws IOException {
        var names = new TreeSet<String>();
        Path models = warehouse.models();
        if (warehouse.files().exists(models)) {
            for (FileStatus status : warehouse.files().listStatus(models)) {
                names.add(status.getPath().getName());
            }
        }
        return names;
    }

    /** Names of the models that have a folder. */
    private Set<String> names() throws IOException {
        return folders().stream().map(Unfinished::name).collect(Collectors.toCollection(TreeSet::new));
    }

    /** @throws UserError (usage) when the name of a new model differs from an existing one only in upper and lower case */
    public void requireOtherThanCase(String modelId) {
        try {
            Set<String> names = names();
            if (names.contains(modelId)) {
                return;
            }
            names.stream().filter(modelId::equalsIgnoreCase).findFirst().ifPresent(other -> {
                throw UserError.usage(
                        "The model name " + modelId + " differs from model " + other
                                + " of this warehouse only in upper"
                                + " and lower case, which some file systems do not tell apart",
                        "Choose another name.");
            });
        } catch (IOException e) {
            throw new UncheckedIOException("listing the model folders", e);
        }
    }

    /**
     * Registers a model that this run has made. {@link #isMade} said before that there is none.
     *
     * @throws UserError (conflict) when another run has registered this name meanwhile; the folder is deleted then if it is one of
     *     this attempt alone
     */
    public void registerNew(String modelId, ModelFolder model) {
        boolean added = false;
        try {
            added = warehouse.addIfNone(
                    UncurlTable.REGISTRY,
                    Records.frame(warehouse, UncurlTable.REGISTRY, List.of(row(modelId, model))),
                    "model_id",
                    modelId);
        } finally {
            if (!added) {
                discard(model);
            }
        }
        if (!added) {
            throw UserError.conflict(
                    "Another run has meanwhile made model " + modelId, "Choose another name, or use that model.");
        }
    }

    private void discard(ModelFolder model) {
        try {
            if (Unfinished.isAttempt(model.dir().getName())) {
                Unfinished.remove(warehouse.files(), model.dir());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + model.dir(), e);
        }
    }

    /** Writes the row of a published folder, unless it exists. */
    public void register(String modelId, ModelFolder model) {
        if (registered(modelId).filter(model.manifestSha256()::equals).isEmpty()) {
            Records.replace(warehouse, UncurlTable.REGISTRY, List.of(row(modelId, model)), "model_id", modelId);
        }
    }

    private static RegistryRow row(String modelId, ModelFolder model) {
        ModelConfig config = model.config();
        Lineage lineage = model.manifest().lineage();
        return new RegistryRow(
                modelId,
                Optional.ofNullable(lineage.parentModelId()),
                lineage.stage(),
                lineage.inputs(),
                Settings.json(config),
                model.dir().toString(),
                model.manifestSha256(),
                model.layout().length(),
                ParameterLayout.activeParameters(config),
                model.bytes(),
                Instant.now());
    }
}
