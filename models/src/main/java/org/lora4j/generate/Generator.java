package org.lora4j.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.model.CausalModel;
import org.lora4j.tuning.lora.AdapterSet;

/**
 * Continues token sequences and waits until all are written: greedily, by drawing, or by {@link BeamSearch}. The work is an
 * {@link Engine}'s, which says what a text depends on.
 */
public final class Generator {

    /** Told of every new token. */
    @FunctionalInterface
    public interface TokenListener {
        /** Is told each token as soon as it is drawn. */
        void token(int sequence, int id);
    }

    /** Told of every input that beam search has finished, as soon as it has. */
    @FunctionalInterface
    public interface BeamListener {
        /** Is told the best text of an input as soon as it is found. */
        void found(int input, Hypothesis hypothesis);
    }

    private final @Nullable CausalModel model; // in the set, where that is given
    private final @Nullable AdapterSet set;

    /** Writes with this model. */
    public Generator(CausalModel model) {
        this.model = model;
        this.set = null;
    }

    /** For {@link #write requests} that each name an adapter. */
    public Generator(AdapterSet set) {
        this.model = null;
        this.set = set;
    }

    private Engine engine() {
        return set == null ? new Engine(model) : new Engine(set);
    }

    /**
     * What is asked for, in its order.
     *
     * @return a ticket for each, done
     * @throws LoraException    as {@link Engine#submit}, before anything is written, with which request it was where there are
     *                          several
     * @throws RuntimeException the first {@link Ticket#failure}, when the others are written
     */
    public List<Ticket> write(List<Request> requests) {
        Engine engine = engine();
        List<Ticket> tickets = new ArrayList<>();
        for (Request request : requests) {
            tickets.add(engine.submit(request));
        }
        engine.run();
        for (Ticket ticket : tickets) {
            if (ticket.failure() != null) {
                throw ticket.failure();
            }
        }
        return tickets;
    }

    /** One prompt's continuation, without the prompt and the stop token. */
    public int[] generate(int[] prompt, int maxNewTokens, Set<Integer> stopIds, Sampling sampling) {
        return generate(List.of(prompt), maxNewTokens, stopIds, sampling, (sequence, id) -> { }).getFirst();
    }

    /**
     * Continues prompts, all in one batch.
     *
     * @param prompts      token ids, none of them empty; the n-th one's draws are those of request n
     * @param maxNewTokens most tokens to add to each
     * @param stopIds      tokens that end a sequence; they are not part of the result
     * @return for each prompt its new tokens
     * @throws LoraException if a prompt is empty, or prompt and new tokens do not fit the model's positions
     */
    public List<int[]> generate(
            List<int[]> prompts, int maxNewTokens, Set<Integer> stopIds, Sampling sampling, TokenListener listener) {
        List<Request> requests = new ArrayList<>();
        for (int n = 0; n < prompts.size(); n++) {
            int sequence = n;
            requests.add(Request.of(prompts.get(n)).withMaxNewTokens(maxNewTokens).withStopIds(stopIds).withSampling(sampling)
                    .withNumber(n).withListener((sample, id) -> {
                        listener.token(sequence, id);
                        return true;
                    }));
        }
        return write(requests).stream().map(ticket -> ticket.texts().getFirst().tokens()).toList();
    }

    /**
     * The best hypothesis of beam search for each prompt. An input's result does not depend on the others by a bit, nor
     * on the number of threads.
     *
     * @param prompts      token ids, none of them empty
     * @param maxNewTokens most tokens of a hypothesis, the stop token included; at least 1
     * @param stopIds      tokens that end a hypothesis
     * @param listener     told of each input when it is finished, which is not in their order
     * @return in the order of the prompts
     * @throws LoraException if a prompt is empty, or prompt and new tokens do not fit the model's positions
     */
    public List<Hypothesis> beam(
            List<int[]> prompts, int maxNewTokens, Set<Integer> stopIds, Beam beam, BeamListener listener) {
        return beam(prompts, AdapterSet.BASE, maxNewTokens, stopIds, beam, listener);
    }

    /** The same by an adapter of the set. */
    public List<Hypothesis> beam(
            List<int[]> prompts, String adapter, int maxNewTokens, Set<Integer> stopIds, Beam beam, BeamListener listener) {
        if (maxNewTokens < 1) {
            throw new LoraException("`maxNewTokens` " + maxNewTokens + ": expected at least 1 with a beam");
        }
        Engine engine = engine();
        Ticket[] tickets = new Ticket[prompts.size()];
        // inputs of about one length go together, the longest first: they need the most room
        IntStream.range(0, prompts.size()).boxed().sorted(Comparator.comparing(i -> -prompts.get(i).length)).forEach(input ->
                tickets[input] = engine.submit(Request.of(prompts.get(input)).withAdapter(adapter).withBeam(beam)
                        .withMaxNewTokens(maxNewTokens).withStopIds(stopIds)));
        boolean[] told = new boolean[tickets.length];
        boolean more = true;
        while (more) {
            more = engine.step();
            for (int input = 0; input < tickets.length; input++) {
                if (tickets[input].isDone() && !told[input]) {
                    told[input] = true;
                    if (tickets[input].failure() != null) {
                        throw tickets[input].failure();
                    }
                    listener.found(input, tickets[input].hypothesis());
                }
            }
        }
        return Arrays.stream(tickets).map(Ticket::hypothesis).toList();
    }
}
