"""Work that outlives its caller: records, leases, and the loop that works on them."""
