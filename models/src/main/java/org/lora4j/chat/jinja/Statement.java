package org.lora4j.chat.jinja;

/** A part of a template that writes. */
@FunctionalInterface
interface Statement {

    /** How a loop goes on behind it. */
    enum Flow {
        NEXT, CONTINUE, BREAK
    }

    Flow write(Scope scope, StringBuilder out);
}
