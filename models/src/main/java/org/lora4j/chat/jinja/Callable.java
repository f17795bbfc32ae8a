package org.lora4j.chat.jinja;

/** What can be called: a function, a method with the object it belongs to, a macro. */
@FunctionalInterface
interface Callable {
    Object call(Arguments arguments);
}
