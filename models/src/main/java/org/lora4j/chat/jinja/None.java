package org.lora4j.chat.jinja;

/** Python's {@code None}: a value, which Java's null is not in a map or a list of them. */
public enum None {
    /** The one value. */
    NONE
}
