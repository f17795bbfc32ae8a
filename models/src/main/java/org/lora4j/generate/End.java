package org.lora4j.generate;

/** Why a text ends where it does. */
public enum End {
    /** With a stop token, which is not part of it. */
    STOP_TOKEN,
    /** Its listener said so, having seen a stop string, say. */
    LISTENER,
    /** It is as long as was allowed. */
    LENGTH,
    /** {@link Ticket#cancel}. */
    CANCELLED,
    /** {@link Ticket#failure} says why. */
    FAILED
}
