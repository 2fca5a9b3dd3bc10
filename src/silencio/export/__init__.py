"""Write bundles: needs torch and what trains; nothing that serves imports it."""
