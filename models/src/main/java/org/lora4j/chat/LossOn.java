package org.lora4j.chat;

/** Which tokens of an example are learnt. */
public enum LossOn {

    /**
     * What the file calls the completion: the completion of a pair, and of a chat, where the file does not divide it, every
     * turn of the assistant. A text that is nothing but a text is learnt from its second token on.
     */
    COMPLETION,

    /** Of a chat every turn of the assistant, also those that belong to a prompt; else as {@link #COMPLETION}. */
    ASSISTANT,

    /** Of a chat the last turn of the assistant; else as {@link #COMPLETION}. */
    LAST,

    /** Every token but the first, which nothing is before. */
    ALL
}
