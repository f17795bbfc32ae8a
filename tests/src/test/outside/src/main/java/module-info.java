/** Somebody else's module. The backend is found at run time, so it is named there and not here. */
module outside {
    requires org.lora4j.models;
}
