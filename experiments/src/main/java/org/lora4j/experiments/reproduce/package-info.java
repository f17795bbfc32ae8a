/** The paper's experiments as data: what paper and scripts say, and the rows of the tables that can be made again. */
package org.lora4j.experiments.reproduce;
