"""Tables over published datasets, in the words of the engines that read them."""
