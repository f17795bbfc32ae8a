package org.lora4j.tuning.layers;

import java.util.Set;
import org.lora4j.backend.Activation;
import org.lora4j.nn.Place.Where;

/** The forms of adapter layers in the paper: where they stand, what is in them, and how many of a model's blocks have one. */
public enum AdapterKind {

    /** Two in a block, on either branch before it joins the stream (Houlsby et al. 2019): the paper's Adapter H. */
    HOULSBY("houlsby", "Houlsby", Set.of(Where.ATTENTION_BRANCH, Where.FEED_FORWARD_BRANCH), false, Activation.GELU_ERF, 0),

    /** One behind the block, with a LayerNorm of its own before the first map (Lin et al. 2020): the paper's Adapter L. */
    LIN("lin", "Lin", Set.of(Where.AFTER_BLOCK), true, Activation.RELU, 0),

    /** One behind the block, so behind its last norm where norms stand behind the sums (Pfeiffer et al. 2021): Adapter P. */
    PFEIFFER("pfeiffer", "Pfeiffer", Set.of(Where.AFTER_BLOCK), false, Activation.RELU, 0),

    /** The same without the lowest blocks', five as in AdapterDrop (Rücklé et al. 2020): the paper's Adapter D. */
    DROPPED("adapterdrop", "AdapterDrop", Set.of(Where.AFTER_BLOCK), false, Activation.RELU, 5);

    private final String word;
    private final String title;
    private final Set<Where> places;
    private final boolean norm;
    private final Activation activation;
    private final int skip;

    AdapterKind(String word, String title, Set<Where> places, boolean norm, Activation activation, int skip) {
        this.word = word;
        this.title = title;
        this.places = places;
        this.norm = norm;
        this.activation = activation;
        this.skip = skip;
    }

    /** Its word in a method's name. */
    public String word() {
        return word;
    }

    /** After whom it is called. */
    public String title() {
        return title;
    }

    /** The places of a block that get a layer. */
    public Set<Where> places() {
        return places;
    }

    /** Whether a layer has a LayerNorm of its own. */
    public boolean hasNorm() {
        return norm;
    }

    /** What its authors take. */
    public Activation activation() {
        return activation;
    }

    /** How many of the lowest blocks have none, unless something else is said. */
    public int skip() {
        return skip;
    }
}
