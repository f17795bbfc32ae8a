/** The pretrained model that comes with lora4j, so that every claim can be tried on any machine. */
package org.lora4j.experiments.base;
