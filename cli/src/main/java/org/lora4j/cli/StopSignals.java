package org.lora4j.cli;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Hears Ctrl-C, SIGTERM and SIGHUP while something runs that can stop at a good place. The first signal asks it to; the
 * second ends the process at once. Outside of {@link #listen} … {@link #close} signals do what they always do. A signal
 * that the process was started to ignore, as under nohup, stays ignored.
 *
 * <p>The JDK's {@code sun.misc.Signal}, in module jdk.unsupported, is the only way to hear a signal and not end; it is
 * called by reflection, since its use cannot be compiled without a warning. Where it is missing, signals end the process.
 */
final class StopSignals implements AutoCloseable {

    /** By their numbers, which are those of every Unix. */
    private static final Map<Integer, String> SIGNALS = Map.of(1, "HUP", 2, "INT", 15, "TERM");
    /** A process that a signal ended has this and the signal's number as its exit code. */
    private static final int ENDED_BY_SIGNAL = 128;

    private final Runnable onFirst;
    private final Map<Object, Object> previous = new LinkedHashMap<>();
    private volatile int received;

    private StopSignals(Runnable onFirst) {
        this.onFirst = onFirst;
    }

    /** Of a process whose signals are another's business: only what the caller says counts. */
    static StopSignals elsewhere() {
        return new StopSignals(() -> { });
    }

    /** @param onFirst is run, in a thread of its own, when the first signal comes */
    static StopSignals listen(Runnable onFirst) {
        StopSignals signals = new StopSignals(onFirst);
        for (int number : List.of(1, 2, 15)) {
            signals.install(number);
        }
        return signals;
    }

    private void install(int number) {
        try {
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            Object handler = Proxy.newProxyInstance(handlerType.getClassLoader(), new Class<?>[] {handlerType},
                    (proxy, method, arguments) -> switch (method.getName()) {
                        case "handle" -> {
                            receive(number);
                            yield null;
                        }
                        case "equals" -> proxy == arguments[0];
                        case "hashCode" -> System.identityHashCode(proxy);
                        default -> SIGNALS.get(number);
                    });
            Object signal = Class.forName("sun.misc.Signal").getConstructor(String.class).newInstance(SIGNALS.get(number));
            previous.put(signal, handle(signal, handler));
        } catch (InvocationTargetException e) {
            // the system has no such signal, or Java was started with -Xrs
        } catch (ReflectiveOperationException e) {
            // a Java without jdk.unsupported
        }
    }

    private static Object handle(Object signal, Object handler) throws ReflectiveOperationException {
        return signal.getClass().getMethod("handle", signal.getClass(), Class.forName("sun.misc.SignalHandler"))
                .invoke(null, signal, handler);
    }

    private synchronized void receive(int number) {
        if (received != 0) {
            Runtime.getRuntime().halt(ENDED_BY_SIGNAL + number);
        }
        received = number;
        onFirst.run();
    }

    boolean isReceived() {
        return received != 0;
    }

    /** Of a process that this signal has ended. */
    int exitCode() {
        return ENDED_BY_SIGNAL + received;
    }

    @Override
    public void close() {
        previous.forEach((signal, handler) -> {
            try {
                handle(signal, handler);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e); // it was possible before
            }
        });
    }
}
