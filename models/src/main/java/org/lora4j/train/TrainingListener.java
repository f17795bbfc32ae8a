package org.lora4j.train;

/** Is told what a training run does, in the thread that trains. Each method may be left out. */
public interface TrainingListener {

    /** Hears nothing. */
    TrainingListener NONE = new TrainingListener() { };

    /**
     * A step is done.
     *
     * @param step            steps done, from 1
     * @param loss            the step's mean loss, label smoothing included
     * @param learningRate    with which it was made
     * @param tokensPerSecond of training since the run began or resumed, padding and evaluation not counted
     */
    default void step(long step, double loss, double learningRate, double tokensPerSecond) {
    }

    /** The model is being evaluated after {@code step} steps; {@code done} of {@code all} dev batches are behind. */
    default void evaluating(long step, int done, int all) {
    }

    /** The model was evaluated after {@code step} steps; {@code best} says that it was never better. */
    default void evaluated(long step, Evaluation evaluation, boolean best) {
    }

    /** A checkpoint after {@code step} steps is on disk. */
    default void checkpointed(long step) {
    }

    /** The run goes on from a checkpoint after {@code step} steps. */
    default void resumed(long step) {
    }

    /** Something the user should know although the run goes on. */
    default void remark(String line) {
    }

    /**
     * Whether the run is to stop where it is: asked after each step and each batch of an evaluation. It then writes a
     * checkpoint, whatever the plan says of checkpoints, and ends with {@link StoppedException}.
     */
    default boolean stopRequested() {
        return false;
    }
}
