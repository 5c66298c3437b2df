package dev.uncurl.jobs.cluster;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.StreamCallbackWithID;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.server.OneForOneStreamManager;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.StreamManager;

/** Puts the messages that come to a rank into its inbox. Its methods run on threads of the network and never wait. */
final class WireHandler extends RpcHandler {
    private static final ByteBuffer CONFIRMED = ByteBuffer.allocate(0);

    private final long run;
    private final int size;
    private final Inbox inbox;
    private final Attendance attendance;
    private final StreamManager noStreams = new OneForOneStreamManager();
    /** The rank at the other end of a connection, by the id of its channel. */
    private final Map<String, Integer> senders = new ConcurrentHashMap<>();

    WireHandler(long run, int size, Inbox inbox, Attendance attendance) {
        this.run = run;
        this.size = size;
        this.inbox = inbox;
        this.attendance = attendance;
    }

    @Override
    public void receive(TransportClient client, ByteBuffer message, RpcResponseCallback answer) {
        Header header = accepted(client, message);
        switch (header.kind()) {
            case HELLO -> inbox.met(header.tag().sender());
            case SMALL -> {
                attendance.came(header.tag()); // before a thread of the rank can end the operation
                inbox.small(header, message);
            }
            case READY -> {
                attendance.came(header.tag());
                inbox.ready(header);
            }
            case FAILED -> inbox.lose(Loss.read(message), false);
            case LEAVING -> {
                boolean both = inbox.left(header.tag().sender());
                answer.onSuccess(ByteBuffer.wrap(new byte[] {(byte) (both ? 1 : 0)}));
                return;
            }
            case STATUS -> {
                answer.onSuccess(Status.of(inbox).write());
                return;
            }
            case PIECE -> throw new IllegalArgumentException("A piece comes as a stream: " + header);
        }
        answer.onSuccess(CONFIRMED.duplicate());
    }

    @Override
    public StreamCallbackWithID receiveStream(TransportClient client, ByteBuffer meta, RpcResponseCallback answer) {
        Header header = accepted(client, meta);
        attendance.came(header.tag());
        long bytes = meta.getLong();
        Incoming incoming = inbox.incoming(header);
        return new Piece(header, incoming, incoming.window(header.offset(), bytes), bytes);
    }

    private final class Piece implements StreamCallbackWithID {
        private final Header header;
        private final Incoming incoming;
        private final ByteBuffer window;
        private final long bytes;

        Piece(Header header, Incoming incoming, ByteBuffer window, long bytes) {
            this.header = header;
            this.incoming = incoming;
            this.window = window;
            this.bytes = bytes;
        }

        @Override
        public String getID() {
            return header.toString();
        }

        @Override
        public void onData(String id, ByteBuffer part) {
            incoming.put(window, part);
        }

        @Override
        public void onComplete(String id) {
            inbox.arrived(header, incoming, bytes);
        }

        @Override
        public void onFailure(String id, Throwable cause) {
            inbox.broken(header.tag().sender(), ": " + cause.getMessage());
        }
    }

    private Header accepted(TransportClient client, ByteBuffer message) {
        Header header = Header.read(message);
        int sender = header.tag().sender();
        String channel = channel(client);
        if (header.run() != run || sender < 0 || sender >= size) {
            throw new IllegalArgumentException("Refused: a message of another run");
        }
        if (header.kind() == Header.Kind.HELLO) {
            senders.put(channel, sender);
        } else if (!senders.containsKey(channel)) {
            throw new IllegalArgumentException("Refused: " + header.kind() + " before HELLO");
        }
        return header;
    }

    private static String channel(TransportClient client) {
        return client.getChannel().id().asLongText();
    }

    @Override
    public void channelInactive(TransportClient client) {
        Integer sender = senders.remove(channel(client));
        if (sender != null) {
            inbox.broken(sender, "");
        }
    }

    @Override
    public StreamManager getStreamManager() {
        return noStreams;
    }
}
