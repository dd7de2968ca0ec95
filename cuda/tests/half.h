/* float16 on the host, bit by bit. */
#ifndef WISP_CUDA_TESTS_HALF_H
#define WISP_CUDA_TESTS_HALF_H

/* Of float16 bits. */
double widened(unsigned short bits);

/* The nearest of the two float16 around a value; ties to the even one; what is halfway to the next
   power beyond the largest, or more, becomes infinite. */
unsigned short nearest(float value);

#endif
