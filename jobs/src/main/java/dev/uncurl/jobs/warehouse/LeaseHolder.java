package dev.uncurl.jobs.warehouse;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * The content of a lease's file: who has it.
 *
 * @param token different for each lease
 * @param host name of the machine, for messages
 * @param machine identifies the running system in which {@code pid} is a number of a process: another container, or the same machine
 *     after it was started again, has another one
 * @param started when the process started; a later process may have the same number
 */
record LeaseHolder(String token, String host, String machine, long pid, String started) {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** A new lease of this process. */
    static LeaseHolder here() {
        ProcessHandle process = ProcessHandle.current();
        return new LeaseHolder(UUID.randomUUID().toString(), hostName(), thisMachine(), process.pid(), start(process));
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "an unnamed machine";
        }
    }

    /** Linux: the boot and the space of process numbers. Elsewhere: the name of the machine. */
    private static String thisMachine() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip() + " "
                    + Files.readSymbolicLink(Path.of("/proc/self/ns/pid"));
        } catch (IOException e) {
            return System.getProperty("os.name") + " " + hostName();
        }
    }

    private static String start(ProcessHandle process) {
        return process.info().startInstant().map(Instant::toString).orElse("");
    }

    /** Whether the process is or was one of this machine. */
    boolean isHere() {
        return machine.equals(thisMachine());
    }

    boolean isThisProcess() {
        return isHere() && pid == ProcessHandle.current().pid();
    }

    /** Whether the process was one of this machine and does not exist any more. */
    boolean isDead() {
        if (!isHere()) {
            return false;
        }
        Optional<ProcessHandle> process = ProcessHandle.of(pid).filter(ProcessHandle::isAlive);
        return process.isEmpty() || !start(process.get()).equals(started);
    }

    byte[] json() {
        try {
            return JSON.writeValueAsBytes(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A lease cannot be written as JSON", e);
        }
    }

    /** Empty for a file that is being written. */
    static Optional<LeaseHolder> parse(byte[] json) {
        try {
            return Optional.ofNullable(JSON.readValue(json, LeaseHolder.class));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    @Override
    public String toString() {
        return "process " + pid + " on " + host;
    }
}
