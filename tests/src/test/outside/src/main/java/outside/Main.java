package outside;

import java.nio.file.Path;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.DataSets;
import org.lora4j.data.Split;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.train.FineTuning;
import org.lora4j.train.TrainingListener;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.lora.LoraConfig;

/** Arguments: a model's folder, a file of pairs, where the adapter goes. */
public final class Main {

    private Main() {
    }

    public static void main(String[] args) {
        try (Backend backend = Backends.create("cpu")) {
            LanguageModel model = Families.load(Path.of(args[0]), backend);
            FineTuning job = FineTuning.of(model, Families.tokenizer(Path.of(args[0])))
                    .method(new LowRankAdaptation(LoraConfig.of(4, 32).withParts("q", "v")))
                    .train(DataSets.open(Path.of(args[1]), Split.TRAIN)).batchSize(8).seed(110).build();
            job.run(TrainingPlan.of(20, 1e-2, 110), Path.of(args[2]), "base-6m", TrainingListener.NONE);
            System.out.println(Main.class.getModule() + " trained " + job.tuning().parameterCount() + " parameters");
        }
    }
}
