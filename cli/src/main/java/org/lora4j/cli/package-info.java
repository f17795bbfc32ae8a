/**
 * The command line: one class for each command, thin (parse, call, print), on a shell that is the same for all of them:
 * {@link org.lora4j.cli.LoraCommand} holds the options every command has, {@link org.lora4j.cli.Ui} prints,
 * {@link org.lora4j.cli.Progress} shows long work, {@link org.lora4j.cli.Failures} turns what went wrong into one line
 * and an exit code.
 */
package org.lora4j.cli;
