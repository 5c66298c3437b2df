package dev.uncurl.jobs;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/** HDFS with one data node, whose servers are threads of this process. */
final class HdfsServer implements StoragePlace {
    private final MiniDFSCluster cluster;

    /** @param folder for the servers' files */
    HdfsServer(Path folder) throws IOException {
        var configuration = new Configuration();
        configuration.setInt("dfs.replication", 1);
        // the server's log need not survive this machine
        configuration.setBoolean("dfs.namenode.edits.noeditlogchannelflush", true);
        cluster = new MiniDFSCluster.Builder(
                        configuration, folder.resolve("hdfs").toFile())
                .numDataNodes(1)
                .build();
        cluster.waitActive();
    }

    @Override
    public String warehouse(String name) {
        return cluster.getURI() + "/" + name;
    }

    /**
     * A file is closed when the name node has heard of its last block, from the data node; a client that asks before waits 400
     * milliseconds by default.
     */
    @Override
    public Map<String, String> properties(String name) {
        return Map.of("spark.hadoop.dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "10");
    }

    @Override
    public void close() {
        cluster.shutdown();
    }
}
