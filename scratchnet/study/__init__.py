"""Looking into networks: what helps to see why one learns and another does not."""
