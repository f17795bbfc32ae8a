package org.lora4j.task;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.lora4j.backend.Backend;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Shape;

/** A task from nowhere: points of a plane, a number for each, and the model h = w·x that learns it by least squares. */
final class SquaredErrors implements Objective<SquaredErrors.Point, List<SquaredErrors.Point>> {

    /** x and what h shall be. */
    record Point(double x1, double x2, double y) {
    }

    @Override
    public String name() {
        return "squared errors";
    }

    @Override
    public int length(Point example) {
        return 1;
    }

    @Override
    public List<Point> batch(List<Point> examples) {
        return examples;
    }

    @Override
    public long targets(List<Point> batch) {
        return batch.size();
    }

    @Override
    public long tokens(List<Point> batch) {
        return batch.size();
    }

    @Override
    public long rows(List<Point> batch) {
        return batch.size();
    }

    /** The share of the points whose sign it finds. */
    record Signs(Plane plane) implements Measure<List<Point>> {

        @Override
        public String name() {
            return "signs";
        }

        @Override
        public Direction direction() {
            return Direction.HIGHER_IS_BETTER;
        }

        @Override
        public double of(TrainableModel<List<Point>> model, List<List<Point>> batches, Workspace ws, IntConsumer done) {
            long right = batches.stream().flatMap(List::stream)
                    .filter(point -> Math.signum(plane.of(point)) == Math.signum(point.y)).count();
            done.accept(batches.size());
            return (double) right / batches.stream().mapToInt(List::size).sum();
        }
    }

    /** h = w·x. */
    static final class Plane implements TrainableModel<List<Point>> {

        private final Backend backend;
        private final Parameter w;

        Plane(Backend backend) {
            this.backend = backend;
            w = Parameter.zeros("w", backend, Shape.of(2)).train();
        }

        double[] w() {
            return backend.readDoubles(w.value());
        }

        double of(Point point) {
            return w()[0] * point.x1 + w()[1] * point.x2;
        }

        @Override
        public double loss(List<Point> batch, double labelSmoothing, Workspace ws) {
            return batch.stream().mapToDouble(point -> Math.pow(of(point) - point.y, 2)).sum();
        }

        @Override
        public double lossAndGradients(
                List<Point> batch, double weight, double labelSmoothing, long step, Workspace ws) {
            double[] gradient = backend.readDoubles(w.gradient());
            for (Point point : batch) {
                double error = 2 * weight * (of(point) - point.y);
                gradient[0] += error * point.x1;
                gradient[1] += error * point.x2;
            }
            backend.upload(gradient, w.gradient());
            return loss(batch, 0, ws);
        }

        @Override
        public Backend backend() {
            return backend;
        }

        @Override
        public ModelSizes sizes() {
            return new ModelSizes(0, 1, 2, 0, 0, 0, 0);
        }

        @Override
        public ModelNames names() {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<Slot<Projection>> projections() {
            return List.of();
        }

        @Override
        public List<Slot<TokenEmbedding>> embeddings() {
            return List.of();
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(w);
        }

        @Override
        public long parameterCount() {
            return 2;
        }

        @Override
        public boolean isTied() {
            return false;
        }

        @Override
        public String description() {
            return "this plane";
        }

        @Override
        public String settings() {
            return "plane " + Arrays.toString(w());
        }
    }
}
