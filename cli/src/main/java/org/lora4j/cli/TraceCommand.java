package org.lora4j.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.lora4j.LoraException;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.family.LanguageModel;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.lora.LoraAdapter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j trace}: the auditor's tap. */
@Command(
        name = "trace",
        description = {
            "Writes what a model computes on one batch: logits, loss, gradients.",
            "",
            "The batch is a safetensors file with integers of shape (B, T): input_ids, and optionally attention_mask, "
                    + "token_type_ids and labels (-100 is ignored). The output has float32 logits (B, T, V); with labels, "
                    + "loss (1), the mean over the targets that are not ignored, shifted by one as in Transformers; with "
                    + "--gradients, grad.KEY for each trainable tensor, KEY as in the adapter's file. Dropout is off.",
        },
        footer = {
            "  lora4j trace --model base-6m --adapter my-adapter --gradients \\",
            "      --batch batch.safetensors --out out.safetensors",
        })
final class TraceCommand extends LoraCommand {

    @Mixin
    private ModelChoice model;

    @Option(names = "--adapter", paramLabel = "DIR", description = "An adapter's folder as PEFT writes it.")
    private Path adapter;

    @Option(names = "--batch", required = true, paramLabel = "FILE", description = "The batch, safetensors.")
    private Path batch;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "Where to write, safetensors.")
    private Path out;

    @Option(names = "--gradients", description = "Write gradients too; needs --adapter, and labels in the batch.")
    private boolean gradients;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() {
        Destination.reading("--batch", batch).and("--model", model.folder()).and("--adapter", adapter).requireFileApart(out);
        Batch input = BatchFile.read(batch, ui());
        if (gradients && adapter == null) {
            throw wrongUse("--gradients without --adapter: a base model alone has nothing that trains");
        }
        if (gradients && input.labels() == null) {
            throw wrongUse("--gradients: " + batch + " has no labels, and without them there is no loss to derive");
        }
        try (Backend b = backend.open()) {
            LanguageModel loaded = model.load(b);
            requireRoom(input, loaded.sizes());
            LoraAdapter attached = ModelChoice.attach(loaded, adapter, ui());
            SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
            Workspace inference = Workspace.forInference(b, input.inputIds().length);
            try {
                addLogits(writer, loaded, input, b, inference);
                if (input.labels() != null) {
                    addLoss(writer, loaded, attached, input, b, inference);
                }
            } catch (LoraException e) { // a token or a length that the model does not have
                throw new FormatException(batch, e.getMessage(), e);
            }
            writer.write(out);
        }
        ui().info("wrote " + out);
        return ExitCode.OK;
    }

    /** What a pass holds of every position at once must be an array; the refusal comes before the memory is asked for. */
    private void requireRoom(Batch input, ModelSizes sizes) {
        long widest = Math.max(sizes.vocabulary(), Math.max(4L * sizes.width(), (long) sizes.heads() * input.length()));
        long most = Integer.MAX_VALUE / widest;
        if ((long) input.size() * input.length() > most && input.length() <= sizes.positions()) {
            throw new FormatException(batch, "input_ids has shape (" + input.size() + ", " + input.length() + "), "
                    + (long) input.size() * input.length() + " positions; this model can take " + most
                    + " in a batch. Split it into several");
        }
    }

    private void addLogits(SafetensorsWriter writer, LanguageModel loaded, Batch input, Backend b, Workspace inference) {
        double[] logits = b.readDoubles(loaded.logits(input, inference));
        if (Arrays.stream(logits).anyMatch(Double::isNaN)) {
            ui().warn("some logits are NaN: the model's weights, or the adapter's, hold values that are not finite");
        }
        writer.add("logits", DType.F32, Shape.of(input.size(), input.length(), loaded.sizes().vocabulary()), logits);
    }

    private void addLoss(
            SafetensorsWriter writer, LanguageModel loaded, LoraAdapter attached, Batch input, Backend b, Workspace inference) {
        int targets = input.targets();
        if (targets == 0) {
            ui().warn("no label is a target (all are -100 or in the first column), so the loss is NaN, as in Transformers");
        }
        writer.add("loss", DType.F32, Shape.of(1), new double[] {loaded.loss(input, 0, inference) / targets});
        List<PeftFormat.Entry> entries = gradients ? PeftFormat.entries(attached) : Collections.emptyList();
        if (gradients && targets > 0) {
            Workspace ws = Workspace.forGradients(b, input.inputIds().length);
            loaded.lossAndGradients(input, 1.0 / targets, 0, 0, ws);
        }
        for (PeftFormat.Entry entry : entries) {
            writer.add("grad." + entry.key(), DType.F32, entry.shape(),
                    entry.inFileLayout(b, entry.parameter().gradient()));
        }
    }
}
