package org.lora4j.chat.jinja;

/** A value that is computed where the template needs it. */
@FunctionalInterface
interface Expression {
    Object value(Scope scope);
}
