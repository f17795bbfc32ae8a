package org.lora4j.backend.tornado;

import org.lora4j.backend.Checks;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/** A backend's operands as the machine's memory has them; those of other backends are refused. */
final class Operands {

    private final Machine machine;

    Operands(Machine machine) {
        this.machine = machine;
    }

    /** Records an operation, if it has anything to do. */
    void record(Launch launch, Region[] reads, Region... writes) {
        if (launch.workItems() > 0) {
            machine.recording().add(new Operation(launch).reading(reads).writing(writes));
        }
    }

    Block block(Tensor tensor, String operand) {
        if (tensor.buffer() instanceof Block block && block.memory() == machine.memory()) {
            return block;
        }
        throw foreign(operand, tensor);
    }

    Region region(Tensor tensor, String operand) {
        return Region.of(block(tensor, operand), tensor.size());
    }

    Region region(MatrixView view, String operand) {
        block(view.tensor(), operand);
        return Region.of(view);
    }

    IntBlock ints(IntTensor tensor, String operand) {
        if (tensor.buffer() instanceof IntBlock block && block.memory() == machine.memory()) {
            return block;
        }
        throw foreign(operand, tensor);
    }

    /** The numbers of rows of a table, each inside it. */
    int[] rows(IntTensor rows, int tableRows) {
        int[] numbers = ints(rows, "rows").values();
        for (int i = 0; i < rows.size(); i++) {
            Checks.row(numbers[i], tableRows);
        }
        return numbers;
    }

    private static IllegalArgumentException foreign(String operand, Object tensor) {
        return new IllegalArgumentException(operand + ", " + tensor + ", belongs to another backend than this tornado");
    }
}
