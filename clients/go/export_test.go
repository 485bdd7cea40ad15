package client

// Reconnects is reconnects, for the comparison with the server.
var Reconnects = reconnects
