package org.lora4j.chat.jinja;

/**
 * What a name stands for that nothing has: false, empty and printed as nothing; whoever wants more of it gets an error.
 *
 * @param what {@code 'tools' is undefined}, or what else there is to say once it is used
 */
record Undefined(String what) {

    static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    JinjaException used() {
        return new JinjaException(what);
    }

    /** All are alike. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Undefined;
    }

    @Override
    public int hashCode() {
        return 0;
    }
}
