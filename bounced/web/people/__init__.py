"""People at the private listener: who they are, how they sign in, when that ends."""
