package org.lora4j.contract;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;
import org.lora4j.backend.Backend;

/** Everything {@link Backend} promises, for one backend; a subclass says which. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class BackendContractTest implements Subject {

    private final double unitRoundoff;
    private final double underflow;
    private Backend backend;

    BackendContractTest(double unitRoundoff, double underflow) {
        this.unitRoundoff = unitRoundoff;
        this.underflow = underflow;
    }

    abstract Backend create();

    @BeforeAll
    void open() {
        backend = create();
    }

    @AfterAll
    void close() {
        if (backend != null) { // a subclass may have skipped
            backend.close();
            backend.close(); // idempotent
        }
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public double unitRoundoff() {
        return unitRoundoff;
    }

    @Override
    public double underflow() {
        return underflow;
    }

    @Nested
    class Memory extends MemoryContract {
        Memory() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class Elementwise extends ElementwiseContract {
        Elementwise() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class Columns extends ColumnsContract {
        Columns() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class DropoutMasks extends DropoutContract {
        DropoutMasks() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class Activations extends ActivationContract {
        Activations() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class Products extends ProductContract {
        Products() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class Norms extends NormContract {
        Norms() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class Attention extends AttentionContract {
        Attention() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class AttentionGradient extends AttentionGradientContract {
        AttentionGradient() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class RelativeAttention extends RelativeAttentionContract {
        RelativeAttention() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class GatheredAttention extends GatheredAttentionContract {
        GatheredAttention() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class Embeddings extends EmbeddingContract {
        Embeddings() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class Loss extends CrossEntropyContract {
        Loss() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class Update extends UpdateContract {
        Update() {
            super(BackendContractTest.this);
        }
    }

    @Nested
    class Errors extends ErrorContract {
        Errors() {
            super(BackendContractTest.this);
        }
    }
}
