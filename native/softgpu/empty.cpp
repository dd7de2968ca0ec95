/* A library that must be found under its name and of which nothing is called: libcudart, libcublas,
   libcublasLt, and the parts into which cuDNN 9 is divided, whose functions libcudnn.so.9 has. */
