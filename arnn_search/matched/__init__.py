"""Networks that differ in one thing, trained from the same initial weights over seeds, compared in pairs."""
