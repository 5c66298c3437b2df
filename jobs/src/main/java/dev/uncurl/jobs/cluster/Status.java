package dev.uncurl.jobs.cluster;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a rank does, in the answer to another one that waits for it.
 *
 * @param waitsFor ranks; none when it is not in an operation
 * @param loss why its run is over
 */
record Status(List<Integer> waitsFor, Optional<Loss> loss) {
    static Status of(Inbox inbox) {
        return new Status(inbox.waitedFor(), Optional.ofNullable(inbox.loss()));
    }

    ByteBuffer write() {
        int bytes =
                Integer.BYTES * (2 + waitsFor.size()) + loss.map(Loss::bytes).orElse(0);
        ByteBuffer message = Header.buffer(bytes).putInt(waitsFor.size());
        waitsFor.forEach(message::putInt);
        message.putInt(loss.isPresent() ? 1 : 0);
        loss.ifPresent(one -> one.write(message));
        return message.flip();
    }

    static Status read(ByteBuffer message) {
        var waitsFor = new ArrayList<Integer>();
        for (int left = message.getInt(); left > 0; left--) {
            waitsFor.add(message.getInt());
        }
        return new Status(waitsFor, message.getInt() == 1 ? Optional.of(Loss.read(message)) : Optional.empty());
    }
}
