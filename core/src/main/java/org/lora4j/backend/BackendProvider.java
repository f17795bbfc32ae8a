package org.lora4j.backend;

import java.util.List;
import java.util.Optional;

/** Makes one kind of backend; found by {@link java.util.ServiceLoader}, so adding a backend is adding its jar. */
public interface BackendProvider {

    /** The name users type: {@code reference}, {@code cpu}, {@code tornado}. */
    String name();

    /** Why this backend cannot run here and what to do about it, in one line; empty if it can. Must not throw. */
    Optional<String> unavailable();

    /** What it would run on, in one line for {@code doctor}: vector width, cores, device. */
    String describe();

    /** What {@code doctor} tells besides {@link #describe}: versions, devices, settings. Must not throw. */
    default List<Detail> details() {
        return List.of();
    }

    /**
     * How many numbers all tensors of one backend together may have on what it would run on; {@link Long#MAX_VALUE} where
     * that is not known.
     */
    default long capacity() {
        return Long.MAX_VALUE;
    }

    /**
     * How many numbers a backend would hold in layouts of its own, beside the tensors of what was done on a counting backend:
     * frozen weights that it lays out for products, say.
     */
    default long besides(CountingBackend counted) {
        return 0;
    }

    /**
     * One line of {@link #details}.
     *
     * @param name  what it is about, {@code device 0:0}
     * @param text  what there is; where something is amiss, that and what to do
     * @param amiss whether something is
     */
    record Detail(String name, String text, boolean amiss) {
    }

    /**
     * A new backend; the caller closes it.
     *
     * @throws org.lora4j.LoraException with the reason of {@link #unavailable()} if it cannot run here
     */
    Backend create(BackendOptions options);
}
