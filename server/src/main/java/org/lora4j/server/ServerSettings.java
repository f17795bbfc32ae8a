package org.lora4j.server;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.generate.EngineLimits;

/**
 * Where a server listens, to whom it answers, and how much it takes on. Each {@code with…} gives settings that differ in that;
 * at first it listens on port 8080 of this machine alone, has no token, and lets nobody load an adapter.
 */
public final class ServerSettings {

    private String host = "127.0.0.1";
    private int port = 8080;
    private @Nullable String token;
    private @Nullable Path certificate;
    private @Nullable Path key;
    private @Nullable Path adaptersFolder;
    private boolean uploads;
    private int maxAdapters = 64;
    private int queue = 256;
    private EngineLimits limits = new EngineLimits(32, 512L << 20, true);
    private int maxBody = 1 << 20;
    private Duration timeout = Duration.ofMinutes(10);
    private Duration drain = Duration.ofSeconds(30);

    private ServerSettings() {
    }

    /** What a server has where nothing is said. */
    public static ServerSettings defaults() {
        return new ServerSettings();
    }

    private ServerSettings copy() {
        ServerSettings copy = new ServerSettings();
        copy.host = host;
        copy.port = port;
        copy.token = token;
        copy.certificate = certificate;
        copy.key = key;
        copy.adaptersFolder = adaptersFolder;
        copy.uploads = uploads;
        copy.maxAdapters = maxAdapters;
        copy.queue = queue;
        copy.limits = limits;
        copy.maxBody = maxBody;
        copy.timeout = timeout;
        copy.drain = drain;
        return copy;
    }

    /** Where to listen; a host beyond this machine needs a token. Port 0 takes a free one. */
    public ServerSettings withAddress(String name, int number) {
        if (number < 0 || number > 65_535) {
            throw new LoraException("`port` " + number + ": expected 0 (any that is free) to 65535");
        }
        ServerSettings copy = copy();
        copy.host = name;
        copy.port = number;
        return copy;
    }

    /** What clients send as {@code Authorization: Bearer TOKEN}; null for none. */
    public ServerSettings withToken(@Nullable String secret) {
        if (secret != null && (secret.length() < 8 || !secret.chars().allMatch(c -> c > ' ' && c < 127))) {
            throw new LoraException("`token`: expected at least 8 printable characters without a space");
        }
        ServerSettings copy = copy();
        copy.token = secret;
        return copy;
    }

    /** PEM files of a certificate, with those that vouch for it behind it, and of its private key (PKCS #8). */
    public ServerSettings withTls(Path chain, Path privateKey) {
        ServerSettings copy = copy();
        copy.certificate = chain;
        copy.key = privateKey;
        return copy;
    }

    /**
     * The folder whose subfolders clients may name as adapters; null for none.
     *
     * @param writable whether clients may also put adapters there
     */
    public ServerSettings withAdaptersFolder(@Nullable Path folder, boolean writable) {
        ServerSettings copy = copy();
        copy.adaptersFolder = folder;
        copy.uploads = folder != null && writable;
        return copy;
    }

    /** Adapters in memory at a time; more stay on disk until they are asked for. */
    public ServerSettings withMaxAdapters(int count) {
        ServerSettings copy = copy();
        copy.maxAdapters = positive("maxAdapters", count);
        return copy;
    }

    /** Requests that may wait; a further one is told to come again. */
    public ServerSettings withQueue(int count) {
        ServerSettings copy = copy();
        copy.queue = positive("queue", count);
        return copy;
    }

    /** What the engine takes at a time. */
    public ServerSettings withLimits(EngineLimits engine) {
        ServerSettings copy = copy();
        copy.limits = engine;
        return copy;
    }

    /** Bytes of a request's body, but for an adapter that is uploaded. */
    public ServerSettings withMaxBody(int bytes) {
        ServerSettings copy = copy();
        copy.maxBody = positive("maxBody", bytes);
        return copy;
    }

    /**
     * The same with other times.
     *
     * @param request how long an answer may take from when it is asked for
     * @param end     how long answers under way may go on when the server is to end
     */
    public ServerSettings withTimes(Duration request, Duration end) {
        ServerSettings copy = copy();
        copy.timeout = request;
        copy.drain = end;
        return copy;
    }

    private static int positive(String name, int value) {
        if (value < 1) {
            throw new LoraException("`" + name + "` " + value + ": expected at least 1");
        }
        return value;
    }

    /**
     * Refuses settings that would open the server to more than was meant.
     *
     * @throws LoraException if anyone on the network could ask without a token, or the host is none
     */
    public void check() {
        InetAddress address;
        try {
            address = InetAddress.getByName(host);
        } catch (UnknownHostException e) {
            throw new LoraException("`host` " + Names.quoted(host) + ": no address of that name. Give one of this machine's addresses");
        }
        if (!address.isLoopbackAddress() && token == null) {
            throw new LoraException("`host` " + Names.quoted(host) + " can be reached from other machines, and there is no `token`: "
                    + "whoever finds the port could use it. Give a token, or listen on 127.0.0.1");
        }
    }

    boolean isLoopback() {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    String host() {
        return host;
    }

    int port() {
        return port;
    }

    @Nullable String token() {
        return token;
    }

    @Nullable Path certificate() {
        return certificate;
    }

    @Nullable Path key() {
        return key;
    }

    @Nullable Path adaptersFolder() {
        return adaptersFolder;
    }

    boolean uploads() {
        return uploads;
    }

    int maxAdapters() {
        return maxAdapters;
    }

    int queue() {
        return queue;
    }

    EngineLimits limits() {
        return limits;
    }

    int maxBody() {
        return maxBody;
    }

    Duration timeout() {
        return timeout;
    }

    Duration drain() {
        return drain;
    }
}
