//! promproc reads, merges and maintains the multiprocess directories of the Prometheus Python client.
