"""Files that come with reports: taken in, kept sealed, claimed by one report each, shown to who may see them."""
