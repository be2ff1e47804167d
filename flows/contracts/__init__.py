"""The agreements, one file for each workflow; owned by the business owner and governance."""
