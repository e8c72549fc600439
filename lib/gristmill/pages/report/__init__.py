"""`gristmill report`: one page of all that an output holds, to send to somebody."""
