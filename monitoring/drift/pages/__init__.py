"""The verdict's pages: one of all sites, one a site; no script, nothing from elsewhere."""
