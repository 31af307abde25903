"""Which characters change to repair a finding. A fix is edits, or a clause that says why not."""
