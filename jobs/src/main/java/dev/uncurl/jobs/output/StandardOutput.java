package dev.uncurl.jobs.output;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Standard output that throws when a write fails; Java's {@link PrintStream} only sets a flag. Text is UTF-8 in every
 * locale.
 */
public final class StandardOutput {
    /** Exit code of a process ended by a closed pipe, as shells report it: 128 + SIGPIPE. */
    public static final int READER_GONE = 141;

    private StandardOutput() {}

    /** A failed write; unchecked, because {@link PrintStream} catches every {@link IOException}. */
    public static final class Failure extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Failure(IOException cause) {
            super("Standard output cannot be written: " + cause.getMessage(), cause);
        }

        /** Whether the reader of a pipe ended first, as {@code head} does; this is not an error. */
        public boolean readerIsGone() {
            String message = getCause().getMessage();
            return message != null && message.equals(brokenPipe());
        }
    }

    /**
     * Returns this machine's message for a pipe without a reader. Java passes on the operating system's words, which depend on
     * the user's language, so a pipe is broken here to learn them.
     */
    private static String brokenPipe() {
        try {
            Pipe pipe = Pipe.open();
            try (var sink = pipe.sink()) {
                pipe.source().close();
                sink.write(ByteBuffer.allocate(1));
            }
            return null;
        } catch (IOException e) {
            return e.getMessage();
        }
    }

    /** A stream whose methods throw {@link Failure}. It writes the text of a call at once, and flushes it. */
    public static PrintStream to(OutputStream target) {
        return new Whole(new BufferedOutputStream(new Strict(target)));
    }

    /** Where output and errors go to one file, no line of the errors stands within a line of the output: Java's writes a format by pieces. */
    private static final class Whole extends PrintStream {
        Whole(OutputStream target) {
            super(target, true, StandardCharsets.UTF_8);
        }

        @Override
        public PrintStream format(Locale locale, String format, Object... values) {
            print(String.format(locale, format, values));
            return this;
        }

        @Override
        public PrintStream format(String format, Object... values) {
            return format(Locale.ROOT, format, values);
        }

        @Override
        public void println(String line) {
            print(line + System.lineSeparator());
        }

        @Override
        public void println(Object line) {
            println(String.valueOf(line));
        }
    }

    private static final class Strict extends FilterOutputStream {
        Strict(OutputStream target) {
            super(target);
        }

        @Override
        public void write(int value) {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            try {
                out.write(bytes, offset, length);
            } catch (IOException e) {
                throw new Failure(e);
            }
        }

        @Override
        public void flush() {
            try {
                out.flush();
            } catch (IOException e) {
                throw new Failure(e);
            }
        }
    }
}
