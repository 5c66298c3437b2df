package dev.uncurl.kernel.device;

import com.sun.jna.Structure;

/** ncclUniqueId: 128 bytes by which the ranks of a communicator find each other. Public for JNA. */
@Structure.FieldOrder("internal")
public class NcclId extends Structure {
    static final int BYTES = 128;

    public byte[] internal = new byte[BYTES];

    /** As NCCL takes it: a copy on the stack. */
    public static final class ByValue extends NcclId implements Structure.ByValue {}
}
