"""Bodies of HTTP requests and answers. A service answers them; the gateway's own interface repeats them outward."""
