package dev.uncurl.jobs;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.yarn.conf.YarnConfiguration;
import org.apache.hadoop.yarn.server.nodemanager.Context;
import org.apache.hadoop.yarn.server.nodemanager.LocalDirsHandlerService;
import org.apache.hadoop.yarn.server.nodemanager.NodeManager;
import org.apache.hadoop.yarn.server.nodemanager.ResourceView;
import org.apache.hadoop.yarn.server.nodemanager.webapp.WebServer;
import org.apache.hadoop.yarn.server.resourcemanager.ResourceManager;
import org.apache.hadoop.yarn.server.resourcemanager.scheduler.ResourceScheduler;
import org.apache.hadoop.yarn.server.resourcemanager.scheduler.fifo.FifoScheduler;
import org.apache.hadoop.yarn.server.security.ApplicationACLsManager;

/** YARN on this machine: a resource manager and a node manager in this process, whose containers are processes. */
final class YarnCluster implements AutoCloseable {
    private static final String HOST = "127.0.0.1";

    private final Path folder;
    private final ResourceManager resources = new ResourceManager() {
        @Override
        protected void startWepApp() {
            // its pages want libraries that Java no longer has
        }
    };
    private final NodeManager node = new NodeManager() {
        @Override
        protected WebServer createWebServer(
                Context context, ResourceView view, ApplicationACLsManager lists, LocalDirsHandlerService folders) {
            return new WebServer(context, view, lists, folders) {
                @Override
                protected void serviceStart() {
                    // as above
                }
            };
        }
    };

    /** @param folder an empty one, for its files and the containers' logs */
    YarnCluster(Path folder) throws IOException, InterruptedException {
        this.folder = folder;
        YarnConfiguration settings = settings();
        try (OutputStream file = Files.newOutputStream(configuration().resolve("yarn-site.xml"))) {
            settings.writeXml(file);
        }
        resources.init(settings);
        resources.start();
        node.init(settings);
        node.start();
        while (resources.getResourceScheduler().getNumClusterNodes() == 0) {
            Thread.sleep(100);
        }
    }

    private YarnConfiguration settings() throws IOException {
        var settings = new YarnConfiguration();
        settings.set("fs.defaultFS", "file:///");
        for (String service : List.of(
                YarnConfiguration.RM_ADDRESS,
                YarnConfiguration.RM_SCHEDULER_ADDRESS,
                YarnConfiguration.RM_RESOURCE_TRACKER_ADDRESS,
                YarnConfiguration.RM_ADMIN_ADDRESS,
                YarnConfiguration.RM_WEBAPP_ADDRESS,
                YarnConfiguration.NM_ADDRESS,
                YarnConfiguration.NM_LOCALIZER_ADDRESS,
                YarnConfiguration.NM_WEBAPP_ADDRESS)) {
            settings.set(service, HOST + ":" + freePort());
        }
        settings.set(YarnConfiguration.NM_LOCAL_DIRS, folder.resolve("local").toString());
        settings.set(YarnConfiguration.NM_LOG_DIRS, folder.resolve("logs").toString());
        settings.setClass(YarnConfiguration.RM_SCHEDULER, FifoScheduler.class, ResourceScheduler.class);
        settings.setInt(YarnConfiguration.NM_PMEM_MB, 20_480);
        settings.setInt(YarnConfiguration.NM_VCORES, 8);
        settings.setInt(YarnConfiguration.RM_SCHEDULER_MINIMUM_ALLOCATION_MB, 256);
        settings.setInt(YarnConfiguration.RM_SCHEDULER_MAXIMUM_ALLOCATION_MB, 20_480);
        settings.setBoolean(YarnConfiguration.NM_VMEM_CHECK_ENABLED, false);
        settings.setFloat(YarnConfiguration.NM_MAX_PER_DISK_UTILIZATION_PERCENTAGE, 100);
        return settings;
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /** The folder that HADOOP_CONF_DIR names. */
    Path configuration() throws IOException {
        return Files.createDirectories(folder.resolve("conf"));
    }

    /** What the containers wrote. */
    String logs() {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.getFileName().toString().equals("stderr"))
                    .map(YarnCluster::text)
                    .collect(Collectors.joining("\n"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Path file) {
        try {
            return file + "\n" + Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        node.stop();
        resources.stop();
    }
}
