/**
 * A second family of models, as small as one can be: the proof that a family is one package, and two lines that name it. Its
 * names, its separate q, k and v, its weights as out × in, its head of its own and its lack of positions are all other than
 * GPT-2's.
 */
package org.lora4j.toy;
