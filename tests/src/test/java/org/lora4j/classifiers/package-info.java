/** Models that classify sequences: their files, whatever family they belong to. */
package org.lora4j.classifiers;
