package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.LostRankException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.apache.spark.SparkConf;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientBootstrap;
import org.apache.spark.network.client.TransportClientFactory;
import org.apache.spark.network.crypto.AuthClientBootstrap;
import org.apache.spark.network.crypto.AuthServerBootstrap;
import org.apache.spark.network.netty.SparkTransportConf;
import org.apache.spark.network.sasl.SecretKeyHolder;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.TransportServer;
import org.apache.spark.network.server.TransportServerBootstrap;
import org.apache.spark.network.util.TransportConf;
import org.apache.spark.util.Utils;
import scala.Option;
import scala.Tuple2;
import scala.runtime.AbstractFunction1;

/**
 * A listening port, and a connection from this rank to each other one, over Spark's network layer: with its
 * authentication and encryption where the application has them, and its settings {@code spark.uncurl.io.*}.
 */
final class Connections implements AutoCloseable {
    /** Spark property: the port of the first rank on a host, the next ones follow; 0, the default, for any port. */
    static final String PORT = "spark.uncurl.port";

    private final TransportContext context;
    private final TransportServer server;
    private final TransportClientFactory factory;
    private final AtomicReferenceArray<TransportClient> clients;

    /** @param keys with Spark's secret, if connections are to be authenticated */
    Connections(SparkConf conf, Optional<SecretKeyHolder> keys, String host, int size, RpcHandler handler) {
        TransportConf transport = SparkTransportConf.fromSparkConf(conf, "uncurl", 1, Option.empty());
        List<TransportServerBootstrap> accepting =
                keys.isPresent() ? List.of(new AuthServerBootstrap(transport, keys.get())) : List.of();
        List<TransportClientBootstrap> connecting =
                keys.isPresent() ? List.of(new AuthClientBootstrap(transport, conf.getAppId(), keys.get())) : List.of();
        clients = new AtomicReferenceArray<>(size);
        context = new TransportContext(transport, handler, false);
        server = Utils.startServiceOnPort(
                        conf.getInt(PORT, 0),
                        new AbstractFunction1<Object, Tuple2<TransportServer, Object>>() {
                            @Override
                            public Tuple2<TransportServer, Object> apply(Object port) {
                                TransportServer one = context.createServer(host, (int) port, accepting);
                                return new Tuple2<>(one, one.getPort());
                            }
                        },
                        conf,
                        "the port of a rank (" + PORT + ")")
                ._1();
        factory = context.createClientFactory(connecting);
    }

    int port() {
        return server.getPort();
    }

    /** Connects to a rank and says who this one is. */
    void connect(Peers peers, int other, ByteBuffer hello, Duration deadline) {
        try {
            TransportClient client =
                    factory.createClient(peers.hosts().get(other), peers.ports().get(other));
            client.sendRpcSync(hello, deadline.toMillis());
            clients.set(other, client);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("Interrupted while connecting to " + peers.name(other));
        } catch (IOException | RuntimeException e) {
            throw new LostRankException(
                    List.of(other),
                    "Rank " + peers.rank() + " cannot connect to " + peers.name(other) + ": " + first(e),
                    e);
        }
    }

    /** The first line of the first cause. */
    static String first(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
    }

    TransportClient to(int other) {
        return clients.get(other);
    }

    /** Sends a message, also to a rank that may be gone. */
    void send(int other, ByteBuffer message, RpcResponseCallback answer) {
        TransportClient client = clients.get(other);
        if (client != null && client.isActive()) {
            client.sendRpc(message, answer);
        } else {
            answer.onFailure(new IOException("There is no connection to rank " + other));
        }
    }

    /** After it, no memory is read that was to be sent. */
    @Override
    public void close() {
        for (int other = 0; other < clients.length(); other++) {
            if (clients.get(other) != null) {
                clients.get(other).getChannel().close().syncUninterruptibly();
            }
        }
        factory.close();
        server.close();
        context.close();
    }
}
