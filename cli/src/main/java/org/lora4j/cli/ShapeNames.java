package org.lora4j.cli;

import java.util.Iterator;
import org.lora4j.family.Families;

/** The names of sizes that some family of models has, for {@code --help} and completion. */
final class ShapeNames implements Iterable<String> {

    @Override
    public Iterator<String> iterator() {
        return Families.shapes().keySet().iterator();
    }
}
