/** Laws of models, adapters and generation that hold for every configuration and every content. */
package org.lora4j.properties;
