package dev.uncurl.jobs.warehouse;

import dev.uncurl.checkpoint.Unfinished;
import dev.uncurl.error.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * What killed runs left beside the tables: unfinished folders of models and checkpoints, files of checks and of evaluations that
 * nobody goes on with, and leases. Whatever a run can go on with stays: whole checkpoints, and staged units of tokenize.
 */
public final class DeadRuns {
    private static final Pattern HIDDEN = Pattern.compile("\\.(.+)\\.[0-9a-f-]{36}\\.tmp");
    private static final Pattern ANY = Pattern.compile(".+");
    private static final String CHECK = "preflight-";
    private static final String EVALUATION = "evaluation+"; // of leases and of folders

    private final Warehouse warehouse;
    private final FileSystem files;
    private final HeldLeases leases;

    public DeadRuns(Warehouse warehouse) {
        this.warehouse = warehouse;
        this.files = warehouse.files();
        this.leases = new HeldLeases(files, place("locks"));
    }

    /**
     * One thing that a killed run left.
     *
     * @param model whose lease permits to remove it; empty: its age does
     */
    public record Leftover(Path path, long bytes, Optional<String> model) {}

    private Path place(String folder) {
        return new Path(warehouse.models().getParent(), folder);
    }

    /** When the oldest of the other processes that hold leases began; {@code now} if there are none. */
    public Instant oldestLive(Instant now) {
        return held().stream()
                .map(HeldLeases.Held::since)
                .min(Comparator.naturalOrder())
                .filter(now::isAfter)
                .orElse(now);
    }

    /** Whether another process holds the lease of an output that has this name among its own, such as a model's. */
    public boolean isHeld(String name) {
        return held().stream().anyMatch(lease -> lease.names(name));
    }

    private List<HeldLeases.Held> held() {
        try {
            return leases.ofOthers();
        } catch (IOException e) {
            throw new UncheckedIOException("listing the leases of " + place("locks"), e);
        }
    }

    /** @param before files without a lease count as left if they were last written before it */
    public List<Leftover> find(Instant before) {
        try {
            var found = new ArrayList<Leftover>();
            Set<String> registered = registeredFolders();
            for (FileStatus status : list(warehouse.models())) {
                String name = status.getPath().getName();
                boolean unregistered = Unfinished.isAttempt(name) && !registered.contains(name);
                unfinished(status, unregistered).ifPresent(model -> found.add(leftover(status, Optional.of(model))));
            }
            for (FileStatus model : list(place("checkpoints"))) {
                for (FileStatus step : list(model.getPath())) {
                    if (unfinished(step, false).isPresent()) {
                        found.add(leftover(step, Optional.of(model.getPath().getName())));
                    }
                }
            }
            found.removeIf(leftover -> isHeld(leftover.model.orElseThrow()));
            staged(before).forEach(status -> found.add(leftover(status, Optional.empty())));
            leases.over(before).forEach(status -> found.add(leftover(status, Optional.empty())));
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException("looking for what killed runs left", e);
        }
    }

    private Set<String> registeredFolders() {
        var names = new HashSet<String>();
        warehouse
                .table(UncurlTable.REGISTRY)
                .select("path")
                .collectAsList()
                .forEach(row -> names.add(new Path(row.getString(0)).getName()));
        return names;
    }

    /** The name of the model or checkpoint whose folder was not finished; empty for one that was. */
    private Optional<String> unfinished(FileStatus folder, boolean unregistered) throws IOException {
        String name = folder.getPath().getName();
        Matcher hidden = HIDDEN.matcher(name);
        if (hidden.matches()) {
            return Optional.of(hidden.group(1));
        }
        return folder.isDirectory() && (unregistered || Unfinished.is(files, folder.getPath()))
                ? Optional.of(Unfinished.name(name))
                : Optional.empty();
    }

    private List<FileStatus> staged(Instant before) throws IOException {
        boolean evaluating = held().stream().anyMatch(lease -> lease.output().startsWith(EVALUATION));
        var old = new ArrayList<FileStatus>();
        for (FileStatus status : list(place("staging"))) {
            String name = status.getPath().getName();
            boolean known = name.startsWith(CHECK) || !evaluating && name.startsWith(EVALUATION);
            if (known && written(status) < before.toEpochMilli()) {
                old.add(status);
            }
        }
        return old;
    }

    /** When the newest file of a folder was written, in milliseconds of 1970. */
    private long written(FileStatus folder) throws IOException {
        long newest = folder.getModificationTime();
        var all = files.listFiles(folder.getPath(), true);
        while (all.hasNext()) {
            newest = Math.max(newest, all.next().getModificationTime());
        }
        return newest;
    }

    private Leftover leftover(FileStatus status, Optional<String> model) {
        try {
            return new Leftover(
                    status.getPath(), files.getContentSummary(status.getPath()).getLength(), model);
        } catch (IOException e) {
            throw new UncheckedIOException("measuring " + status.getPath(), e);
        }
    }

    private FileStatus[] list(Path folder) throws IOException {
        try {
            return files.listStatus(folder);
        } catch (FileNotFoundException e) {
            return new FileStatus[0];
        }
    }

    /** @return false if another run holds the model's lease now */
    public boolean remove(Leftover leftover) {
        try {
            if (leftover.model.isEmpty()) {
                return files.delete(leftover.path, true);
            }
            return removeOf(leftover.model.get(), leftover.path);
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + leftover.path, e);
        }
    }

    private boolean removeOf(String model, Path path) throws IOException {
        try (var lock = warehouse.lockWithoutClock("model", model)) {
            Path parent = path.getParent();
            boolean ofModels = parent.equals(warehouse.models());
            new Leftovers(warehouse).removeUnfinished(parent, ofModels ? Pattern.compile(Pattern.quote(model)) : ANY);
            String name = path.getName();
            if (ofModels && Unfinished.isAttempt(name) && !registeredFolders().contains(name)) {
                Unfinished.remove(files, path);
            }
            if (!ofModels && list(parent).length == 0) {
                files.delete(parent, false);
            }
            return true;
        } catch (UserError e) {
            if (e.kind() == UserError.Kind.CONFLICT) {
                return false;
            }
            throw e;
        }
    }
}
