/**
 * A server: one base, many adapters, and a request each, behind OpenAI's protocol. {@link org.lora4j.server.LoraServer} is all that
 * a program needs; one thread computes, and each connection has a virtual thread.
 */
package org.lora4j.server;
